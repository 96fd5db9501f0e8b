import { html } from 'hono/html';
import { renderPage } from './layout.js';

/** The page for what cannot be sent back to a client: shown here, redirected nowhere. */
export function renderErrorPage(view: {
  readonly error: string;
  readonly description: string | undefined;
}): Promise<string> {
  return renderPage(
    'Sign-in did not work',
    html`<h1>Sign-in did not work</h1>
      <section>
        <p>${view.description ?? 'The request could not be completed.'}</p>
        <p class="note">Error code: <code>${view.error}</code></p>
        <p>Go back to the app you came from and start the sign-in there again.</p>
      </section>`,
  );
}

import { html } from 'hono/html';
import { renderPage } from './layout.js';

/** What a person can do about it, where there is something better than trying again. */
const HINTS: Readonly<Record<string, string>> = {
  invalid_client:
    'This server does not know the app, or does not know it any more. Remove what the app has saved for this server, then connect again: it will register anew.',
};

const DEFAULT_HINT = 'Go back to the app you came from and start the sign-in there again.';

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
        <p>${HINTS[view.error] ?? DEFAULT_HINT}</p>
      </section>`,
  );
}

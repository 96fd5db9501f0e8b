// Stands in for a person with a browser: `scripted-browser-command.ts PERSON URL` signs in and loads the page that the
// authorization server sends the browser to. Loopback only.
import { ScriptedBrowser, signIn } from './scripted-browser.js';

const [person = '', url = ''] = process.argv.slice(2);
const callback = await signIn(url, { person });
const page = await new ScriptedBrowser().request(callback);
if (page.status >= 400) throw new Error(`the callback answered ${page.status}`);

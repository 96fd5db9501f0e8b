import { ScriptedBrowser, readForm } from '../support/scripted-browser.js';
import { type Served, type TestClient, post, registerClient } from './fixture.js';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

export interface StartedDevice {
  readonly client: TestClient;
  readonly deviceCode: string;
  readonly userCode: string;
  readonly link: string;
  readonly answer: Readonly<Record<string, unknown>>;
}

export function registerDevice(
  fixture: Served,
  metadata: Record<string, unknown> = {},
): Promise<TestClient> {
  return registerClient(fixture, {
    client_name: 'Living-room screen',
    grant_types: [DEVICE_GRANT, 'refresh_token'],
    redirect_uris: undefined,
    ...metadata,
  });
}

export async function startDevice(
  fixture: Served,
  given?: TestClient,
  params: Readonly<Record<string, string>> = {},
): Promise<StartedDevice> {
  const client = given ?? (await registerDevice(fixture));
  const { status, json } = await post(`${fixture.issuer}/device_authorization`, {
    client_id: client.clientId,
    resource: fixture.resource,
    ...params,
  });
  if (status !== 200) throw new Error(`device authorization: ${JSON.stringify(json)}`);
  return {
    client,
    deviceCode: String(json['device_code']),
    userCode: String(json['user_code']),
    link: String(json['verification_uri_complete']),
    answer: json,
  };
}

export function poll(
  fixture: Served,
  { client, deviceCode }: StartedDevice,
  changes: Readonly<Record<string, string>> = {},
): ReturnType<typeof post> {
  return post(`${fixture.issuer}/token`, {
    grant_type: DEVICE_GRANT,
    client_id: client.clientId,
    device_code: deviceCode,
    ...changes,
  });
}

/** What a person does: opens the link, compares the code, signs in and allows it. */
export async function allowDevice(
  { link }: StartedDevice,
  person = 'ada',
  browser = new ScriptedBrowser(),
): Promise<{ readonly status: number; readonly body: string; readonly url: string }> {
  const form = await browser.open(link);
  const confirm = await browser.submit(form, {});
  const consent = await browser.submit(confirm, { confirm: 'yes' });
  if (!readForm(consent).buttons.some(({ name }) => name === 'person')) return consent;
  return browser.submit(consent, { person });
}

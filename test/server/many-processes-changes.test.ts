import { afterEach, describe, expect, it } from 'vitest';
import { OpenStream } from '../requirements/support/exchange.js';
import { closePairs, lastEventId, startPair, streams } from './support/process-pair.js';
import { modernRequest } from './support/wire.js';

afterEach(closePairs);

describe('a change', () => {
  it('that one process announces reaches the sessions of both, each once', async () => {
    const { open, get, server } = await startPair();
    const [one, other] = [await open(), await open()];
    const heard = [await get(0, one), await get(1, other)];
    server.http.notify.toolsChanged();
    server.http.notify.resourcesChanged();
    for (const stream of heard) {
      expect(await stream.next()).toMatchObject({ method: 'notifications/tools/list_changed' });
      expect(await stream.next()).toMatchObject({ method: 'notifications/resources/list_changed' });
    }
  });

  it('of a resource reaches who subscribed at another process than the stream is at', async () => {
    const { open, get, post, server, second } = await startPair();
    const headers = await open();
    const stream = await get(1, headers);
    await (await post(0, 'resources/subscribe', { uri: 'thing://1' }, headers)).text();
    server.http.notify.resourcesUpdated(['thing://2', 'thing://1', 'thing://3']);
    expect(await stream.next()).toMatchObject({ params: { uri: 'thing://1' } });
    await (await post(1, 'resources/unsubscribe', { uri: 'thing://1' }, headers)).text();
    second.http.notify.resourceUpdated('thing://1');
    second.http.notify.resourcesChanged();
    expect(await stream.next()).toMatchObject({ method: 'notifications/resources/list_changed' });
  });

  it('reaches the listen streams of both', async () => {
    const { urls, second } = await startPair();
    const params = {
      notifications: { toolsListChanged: true, resourceSubscriptions: ['thing://1'] },
    };
    const heard = await Promise.all(
      urls.map(
        async (url) =>
          new OpenStream(await fetch(url, modernRequest('subscriptions/listen', params))),
      ),
    );
    streams.push(...heard);
    for (const stream of heard) await stream.next();
    second.http.notify.resourcesUpdated(['thing://0', 'thing://1']);
    second.http.notify.toolsChanged();
    for (const stream of heard) {
      expect(await stream.next()).toMatchObject({ params: { uri: 'thing://1' } });
      expect(await stream.next()).toMatchObject({ method: 'notifications/tools/list_changed' });
    }
  });

  it('that was missed is told after Last-Event-ID at the other process, once', async () => {
    const { open, get, post, server } = await startPair();
    const headers = await open();
    await (await post(0, 'resources/subscribe', { uri: 'thing://1' }, headers)).text();
    const before = await get(0, headers);
    server.http.notify.toolsChanged();
    await before.next();
    await before.close();
    server.http.notify.resourceUpdated('thing://1');
    server.http.notify.resourceUpdated('thing://2');
    const after = await get(1, { ...headers, 'last-event-id': lastEventId(before) });
    expect(await after.next()).toMatchObject({ params: { uri: 'thing://1' } });
    server.http.notify.resourcesChanged();
    expect(await after.next()).toMatchObject({ method: 'notifications/resources/list_changed' });
    expect(after.text.match(/^event: message$/gm)).toHaveLength(2);
  });

  it('gives a stream an id to come back with before anything has happened', async () => {
    const { open, get, server } = await startPair();
    const headers = await open();
    const before = await get(0, headers);
    await expect
      .poll(() => Promise.race([before.next(), Promise.resolve(before.text)]))
      .toMatch(/^id: c\d+/);
    await before.close();
    server.http.notify.toolsChanged();
    const after = await get(1, { ...headers, 'last-event-id': lastEventId(before) });
    expect(await after.next()).toMatchObject({ method: 'notifications/tools/list_changed' });
  });

  it('after an event id that is not known any more is told as: everything', async () => {
    const { open, get, server } = await startPair();
    const headers = await open();
    const first = await get(0, headers);
    for (let n = 0; n < 3; n++) server.http.notify.toolsChanged();
    for (let n = 0; n < 3; n++) await first.next();
    server.database.run('DELETE FROM bus_message WHERE message_no < 3');
    const late = await get(1, { ...headers, 'last-event-id': 'c1' });
    const methods = [await late.next(), await late.next()].map((message) => message?.method);
    expect(methods).toEqual([
      'notifications/tools/list_changed',
      'notifications/resources/list_changed',
    ]);
  });

  it('is told on the newest stream of a session alone, whichever process has it', async () => {
    const { open, get, server } = await startPair();
    const headers = await open();
    const old = await get(0, headers);
    const now = await get(1, headers);
    expect(await old.next()).toBeUndefined();
    server.http.notify.toolsChanged();
    expect(await now.next()).toMatchObject({ method: 'notifications/tools/list_changed' });
  });
});

// Asks the broker for a token of the server that is given, as every command does, and prints it. With `reject` it
// behaves as after a surprise 401: the token it read first does not count.
import { Broker } from '../../../src/client/broker.js';

const [home = '', server = '', mode] = process.argv.slice(2);
const broker = new Broker({ home });
const grant = await broker.findGrant(server);
process.stdout.write('ready\n');
// All start together.
await new Promise<void>((resolve) => process.stdin.once('data', () => resolve()));
process.stdin.destroy();
if (grant === undefined) throw new Error('nobody is signed in');
const token =
  mode === 'reject' ? (await broker.refresh(grant)).accessToken : await broker.accessToken(server);
process.stdout.write(`${token}\n`);

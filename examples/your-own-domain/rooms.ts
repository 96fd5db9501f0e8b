// Another domain on the toolkit: meeting rooms, with scopes and storage of its own.
import { type Registry, type RequestContext, createRegistry, defineTool } from 'catalog-mcp/server';
import type { SqliteDatabase } from 'catalog-mcp/storage';
import { z } from 'zod';

export const SCOPES = {
  'rooms:read': 'See which meeting rooms are free',
  'rooms:book': 'Book meeting rooms in your name',
};

const ROOMS = ['Alder', 'Birch', 'Cedar'] as const;
const date = z.iso.date().describe('such as 2027-03-01');
// Whose data a call touches comes from the credentials, never from an argument.
const tenantOf = (context: RequestContext): string => context.principal?.tenant ?? '';

export function createRooms(database: SqliteDatabase): Registry {
  const columns = 'tenant TEXT, room TEXT, day TEXT, person TEXT, PRIMARY KEY (tenant, room, day)';
  database.exec(`CREATE TABLE IF NOT EXISTS booking (${columns})`);
  const findRooms = defineTool({
    name: 'find_rooms',
    description: 'Lists the meeting rooms of your company that are free on one day.',
    scopes: ['rooms:read'],
    input: z.object({ day: date }),
    output: z.object({ free: z.array(z.string()) }),
    handler(args, context) {
      const sql = 'SELECT room FROM booking WHERE tenant = ? AND day = ?';
      const booked = database.all<{ room: string }>(sql, tenantOf(context), args.day);
      const free = ROOMS.filter((room) => !booked.some((row) => row.room === room));
      return { structured: { free } };
    },
  });
  const bookRoom = defineTool({
    name: 'book_room',
    description: 'Books one meeting room of your company for one whole day, in your own name.',
    scopes: ['rooms:book'],
    input: z.object({ room: z.enum(ROOMS), day: date }),
    output: z.object({ room: z.string(), day: z.string() }),
    handler({ room, day }, context) {
      const sql = 'INSERT OR IGNORE INTO booking (tenant, room, day, person) VALUES (?, ?, ?, ?)';
      const person = context.principal?.subject ?? '';
      const { changes } = database.run(sql, tenantOf(context), room, day, person);
      if (changes === 1) return { structured: { room, day } };
      const text = `${room} is taken on ${day}: find_rooms lists what is free.`;
      return { isError: true, content: [{ type: 'text', text }] };
    },
  });
  return createRegistry({ tools: [findRooms, bookRoom] });
}

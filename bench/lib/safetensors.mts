// The safetensors file format: 8 bytes of header length, a JSON header, then the tensors' bytes. Only the kinds that
// the data needs: whole numbers of 8 and 16 bits, and floats, those of 16 bits as their bit patterns.
import { readFileSync, writeFileSync } from 'node:fs';

export type Kind = 'I8' | 'U8' | 'U16' | 'F16' | 'F32';

export interface Tensor {
  kind: Kind;
  shape: readonly number[];
  values: Int8Array | Uint8Array | Uint16Array | Float32Array;
}

export interface TensorFile {
  metadata: Record<string, string>;
  tensors: Map<string, Tensor>;
}

interface HeaderEntry {
  dtype: Kind;
  shape: number[];
  data_offsets: [number, number];
}

const count = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

function view(kind: Kind, bytes: Uint8Array): Tensor['values'] {
  switch (kind) {
    case 'I8':
      return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    case 'U8':
      return bytes;
    case 'U16':
    case 'F16':
      return new Uint16Array(new Uint8Array(bytes).buffer);
    case 'F32':
      return new Float32Array(new Uint8Array(bytes).buffer);
    default:
      throw new Error(`safetensors: the kind ${kind} is not supported`);
  }
}

/** Reads a file; the tensors may begin after so many bytes of something else. */
export function readTensors(path: string, from = 0): TensorFile {
  const file = readFileSync(path).subarray(from);
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<string, unknown>;
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(entries) as [string, HeaderEntry][]) {
    const values = view(
      dtype,
      file.subarray(8 + headerLength + data_offsets[0], 8 + headerLength + data_offsets[1]),
    );
    if (values.length !== count(shape))
      throw new Error(`${path}: tensor ${name} is shorter than its shape says`);
    tensors.set(name, { kind: dtype, shape, values });
  }
  return { metadata: metadata as Record<string, string>, tensors };
}

/** The same input always gives the same bytes: tensors and metadata are written in the order in which they come. */
export function writeTensors(path: string, { metadata, tensors }: TensorFile): void {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { kind, shape, values }] of tensors) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    header[name] = { dtype: kind, shape, data_offsets: [at, at + bytes.length] };
    parts.push(bytes);
    at += bytes.length;
  }
  const text = JSON.stringify(header);
  const padded = Buffer.from(text.padEnd(Math.ceil(Buffer.byteLength(text) / 8) * 8), 'utf8');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  writeFileSync(path, Buffer.concat([length, padded, ...parts]));
}

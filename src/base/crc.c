// CRC-32 as zlib's: reflected polynomial 0xEDB88320.
#include "file.h"

// What four bits shift out.
static const uint32_t nibble[16] = {
    0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
    0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};

static uint32_t step(uint32_t crc) {
  crc = crc >> 4 ^ nibble[crc & 15];
  return crc >> 4 ^ nibble[crc & 15];
}

// Eight bytes at a time; the tables take microseconds to make, so each large block makes its own.
static uint32_t by_eight(uint32_t crc, const unsigned char *at, size_t words) {
  uint32_t table[8][256];
  for (uint32_t i = 0; i < 256; i++) table[0][i] = step(i);
  for (int k = 1; k < 8; k++)
    for (int i = 0; i < 256; i++)
      table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
  for (; words > 0; words--, at += 8) {
    crc ^= at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^ table[5][crc >> 16 & 255] ^
          table[4][crc >> 24] ^ table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^
          table[0][at[7]];
  }
  return crc;
}

uint32_t hd_crc32(uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  crc = ~crc;
  if (count >= 4096) {
    crc = by_eight(crc, at, count / 8);
    at += count / 8 * 8, count %= 8;
  }
  for (; count > 0; count--) crc = step(crc ^ *at++);
  return ~crc;
}

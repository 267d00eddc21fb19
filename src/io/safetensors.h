// safetensors: what the reader and the writer share. The format is 8 bytes of header length, a JSON
// header, and the tensors' bytes without holes.
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include "../../include/hadal/io.h"
#include "../base/file.h"
#include "../base/json.h"

enum {
  HD_ST_LENGTH = 8,          // bytes before the header
  HD_ST_HEADER = 100000000,  // the format's own limit
  HD_ST_METADATA = 16 << 20,
  HD_ST_TENSORS = 1000000,
  HD_ST_NAME = 1024,
  HD_ST_VALUE = 4096  // the JSON of one tensor
};

// Our keys of __metadata__: checksums of the data and of the header (with the eight digits of its
// own as zeros), and a letter of HD_ST_LETTERS per tensor, in order of name, for its role.
#define HD_ST_OURS "hadal."
#define HD_ST_CRC "hadal.crc32"
#define HD_ST_HEADER_CRC "hadal.header.crc32"
#define HD_ST_ROLES "hadal.roles"
#define HD_ST_LETTERS "wsoc"  // by hd_role

typedef struct hd_st_entry {
  const char *name;
  hd_type type;
  int64_t begin, end;  // within the data
} hd_st_entry;

struct hd_tensors {
  hd_env env;
  hd_arena arena;  // names and metadata
  char *name;      // of the file
  unsigned char *bytes;
  size_t size;
  unsigned char *data;   // within bytes, or
  unsigned char *moved;  // a copy in which every tensor is aligned
  hd_st_entry *entry;    // sorted by name
  int count, room;
  hd_doc *meta;  // NULL or a map of texts
};

// "F32"; NULL for a bad type.
const char *hd_st_dtype_name(hd_dtype dtype);
hd_dtype hd_st_dtype_of_name(const char *name);  // HD_NO_DTYPE when unknown
// Checksum of the header; `digits` points at the eight that count as zeros.
uint32_t hd_st_header_crc(const char *header, size_t bytes, const char *digits);

#endif

-- Files as mapped memory, and room that is not the collector's: the calls of the system behind them.
-- Linux on 64 bits, little-endian: the numbers of flags and the formats are of that.

local ffi = require "ffi"
local C = ffi.C

ffi.cdef [[
int open(const char *path, int flags, ...);
int close(int fd);
long lseek(int fd, long offset, int whence);
long read(int fd, void *buffer, size_t count);
void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset);
int munmap(void *address, size_t length);
unsigned char *SHA256(const unsigned char *data, size_t length, unsigned char *digest);
unsigned int crc32(unsigned long crc, const unsigned char *data, unsigned int length);
]]

-- O_RDONLY, O_NONBLOCK (a pipe under a part's name must not hold the worker up), O_CLOEXEC
local OPEN = bit.bor(0, 0x800, 0x80000)
local READ, READ_WRITE, SHARED, PRIVATE_ANONYMOUS = 1, 3, 1, 0x22
local END, START = 2, 0
local FAILED = ffi.cast("void *", -1)
local MOST = 2 ^ 46

local system = {}

if not ffi.abi("64bit") or not ffi.abi("le") then
    error("mitame's files are read on 64-bit little-endian machines only")
end

-- A file's descriptor and its length in bytes; nil and why not.
local function opened(path)
    local fd = C.open(path, OPEN)
    if fd < 0 then
        return nil, path .. " can't be opened (error " .. ffi.errno() .. ")"
    end
    local length = tonumber(C.lseek(fd, 0, END))
    if length < 0 or length > MOST then
        C.close(fd)
        return nil, path .. " is no file"
    end
    return fd, length
end

-- The whole content of a small file as a string; nil and why not.
function system.content(path, limit)
    local fd, length = opened(path)
    if not fd then
        return nil, length
    end
    if length > limit then
        C.close(fd)
        return nil, path .. " has " .. length .. " bytes, more than " .. limit
    end
    local buffer = ffi.new("char[?]", length + 1)
    C.lseek(fd, 0, START)
    local got = tonumber(C.read(fd, buffer, length))
    C.close(fd)
    if got ~= length then
        return nil, path .. " can't be read"
    end
    return ffi.string(buffer, length)
end

local function region(address, length)
    return { address = address, length = length, bytes = ffi.cast("const uint8_t *", address) }
end

-- A file mapped for reading: {address, length, bytes}; nil and why not.
function system.mapped(path)
    local fd, length = opened(path)
    if not fd then
        return nil, length
    end
    if length == 0 then
        C.close(fd)
        return nil, path .. " is empty"
    end
    local address = C.mmap(nil, length, READ, SHARED, fd, 0)
    C.close(fd)
    if address == FAILED then
        return nil, path .. " can't be mapped"
    end
    return region(address, length)
end

-- Zeroed memory outside of the collector's heap, whose size is bounded; nil and why not.
function system.room(length)
    local address = C.mmap(nil, length, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0)
    if address == FAILED then
        return nil, "there is no memory for " .. length .. " bytes"
    end
    return region(address, length)
end

-- Give a region back. Nothing may look at it afterwards.
function system.release(found)
    if found and found.address then
        C.munmap(found.address, found.length)
        found.address, found.bytes = nil, nil
    end
end

-- SHA-256 of a string, in hex.
function system.sha256(text)
    local digest = ffi.new("unsigned char[32]")
    C.SHA256(text, #text, digest)
    local digits = {}
    for place = 0, 31 do
        digits[place + 1] = string.format("%02x", digest[place])
    end
    return table.concat(digits)
end

-- CRC-32 of bytes (zlib's, whose result has 32 bits although its type has more), as a number from 0 to 2^32 - 1.
function system.crc32(bytes, length)
    return tonumber(C.crc32(0, bytes, length))
end

return system

-- One array of a snapshot in one file: 64 bytes of header, then the elements (docs/format.md).

local ffi = require "ffi"
local system = require "mitame.system"

ffi.cdef [[
#pragma pack(push, 1)
typedef struct {
    char magic[8];
    uint32_t version, checksum;
    char kind[16], type[8];
    uint32_t axes, zero;
    uint64_t lengths[2];
} mitame_part_header;
#pragma pack(pop)
]]

local HEADER = 64
local VERSION = 1
local LONGEST = 2 ^ 40
local WIDTHS = { uint8 = 1, int32 = 4, int64 = 8, float16 = 2, float32 = 4 }
assert(ffi.sizeof("mitame_part_header") == HEADER)

local part = {}

local function length_of(value)
    local fits = type(value) == "number" and value >= 0 and value <= LONGEST
    return fits and value == math.floor(value) and value or nil
end

-- The lengths of both axes as a manifest's entry has them, 1 for an axis that is not there.
local function shape_of(entry)
    local shape = type(entry.shape) == "table" and entry.shape or {}
    if #shape < 1 or #shape > 2 then
        return nil
    end
    return length_of(shape[1]), shape[2] == nil and 1 or length_of(shape[2]), #shape
end

local function header_fits(bytes, entry, first, second, axes)
    local found = ffi.new("mitame_part_header")
    ffi.copy(found, bytes, HEADER)
    local checksum = found.checksum
    found.checksum = 0
    if system.crc32(ffi.cast("const unsigned char *", found), HEADER) ~= checksum then
        return false
    end
    local wanted = ffi.new("mitame_part_header")
    ffi.copy(wanted.magic, "MITAPART", 8)
    ffi.copy(wanted.kind, entry.kind, math.min(#entry.kind, 16))
    ffi.copy(wanted.type, entry.dtype, math.min(#entry.dtype, 8))
    wanted.version, wanted.axes = VERSION, axes
    wanted.lengths[0], wanted.lengths[1] = first, axes == 2 and second or 0
    return ffi.string(ffi.cast("char *", wanted), HEADER) == ffi.string(ffi.cast("char *", found), HEADER)
end

-- A mapped part: {region, elements, first, second}; nil and why not.
-- folder: of the snapshot; entry: of its manifest; dtype: that it must have.
function part.mapped(folder, entry, dtype)
    local first, second, axes = shape_of(entry)
    if not first or not second or entry.dtype ~= dtype or type(entry.kind) ~= "string" then
        return nil, "a part of " .. folder .. " has another type or shape than it must"
    end
    local path = folder .. "/" .. entry.file
    local region, problem = system.mapped(path)
    if not region then
        return nil, problem
    end
    local bytes = HEADER + first * second * WIDTHS[dtype]
    if region.length ~= bytes or not header_fits(region.bytes, entry, first, second, axes) then
        system.release(region)
        return nil, path .. " is damaged, or of a later format"
    end
    local elements = ffi.cast("const " .. dtype .. "_t *", region.bytes + HEADER)
    return { region = region, elements = elements, first = first, second = second }
end

-- The bytes of a part of uint8 as a string.
function part.text(found)
    return ffi.string(found.elements, found.first)
end

return part

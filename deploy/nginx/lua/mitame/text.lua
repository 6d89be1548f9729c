-- A JSON array of ids, written into one buffer straight from the mapped text. Everything here is compiled by
-- LuaJIT; string patterns, concatenation in a loop and small strings per id would not be, or cost more than the rest.

local ffi = require "ffi"

local BUFFER = 65536
local QUOTE, BACKSLASH, COMMA, OPEN, CLOSE = 0x22, 0x5c, 0x2c, 0x5b, 0x5d

local text = {}
text.__index = text

-- A writer of arrays, one after another.
function text.writer()
    return setmetatable({ buffer = ffi.new("uint8_t[?]", BUFFER), size = BUFFER, used = 0 }, text)
end

-- Begin an array.
function text:begin()
    self.buffer[0], self.used = OPEN, 1
end

-- Room for an id of a length: each byte may need two, and quotes and a comma come with it.
local function grow(self, length)
    local size = self.size
    while size < self.used + 2 * length + 4 do
        size = 2 * size
    end
    local buffer = ffi.new("uint8_t[?]", size)
    ffi.copy(buffer, self.buffer, self.used)
    self.buffer, self.size = buffer, size
end

-- Bytes of the character of UTF-8 that begins at a place; 0 where it can't be one.
local function width(bytes, place, length)
    local first = bytes[place]
    local wide = first >= 0xf0 and 4 or first >= 0xe0 and 3 or 2
    if first < 0xc2 or first > 0xf4 or place + wide > length then
        return 0
    end
    local second = bytes[place + 1]
    local least = first == 0xe0 and 0xa0 or first == 0xf0 and 0x90 or 0x80
    local most = first == 0xed and 0x9f or first == 0xf4 and 0x8f or 0xbf
    if second < least or second > most then
        return 0
    end
    for later = place + 2, place + wide - 1 do
        if bytes[later] < 0x80 or bytes[later] > 0xbf then
            return 0
        end
    end
    return wide
end

-- Write bytes as a JSON string's content; where it ends, nil where they can't be an id.
local function quoted(buffer, used, bytes, length)
    local place = 0
    while place < length do
        local byte = bytes[place]
        if byte >= 0x80 then
            local wide = width(bytes, place, length)
            if wide == 0 then
                return nil
            end
            for later = place, place + wide - 1 do
                buffer[used] = bytes[later]
                used = used + 1
            end
            place = place + wide
        else
            if byte < 0x20 then
                return nil
            end
            if byte == QUOTE or byte == BACKSLASH then
                buffer[used] = BACKSLASH
                used = used + 1
            end
            buffer[used] = byte
            used, place = used + 1, place + 1
        end
    end
    return used
end

-- Add an id by its bytes; false where they can't be one.
function text:add(bytes, length)
    if self.used + 2 * length + 4 > self.size then
        grow(self, length)
    end
    local buffer, used = self.buffer, self.used
    if used > 1 then
        buffer[used] = COMMA
        used = used + 1
    end
    buffer[used] = QUOTE
    local after = quoted(buffer, used + 1, bytes, length)
    if not after then
        return false
    end
    buffer[after] = QUOTE
    self.used = after + 1
    return true
end

-- The array as a string.
function text:done()
    self.buffer[self.used] = CLOSE
    local made = ffi.string(self.buffer, self.used + 1)
    if self.size > BUFFER then
        self.buffer, self.size = ffi.new("uint8_t[?]", BUFFER), BUFFER
    end
    return made
end

return text

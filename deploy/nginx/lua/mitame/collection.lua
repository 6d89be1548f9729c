-- A collection as a worker of nginx knows it: the generation that is served, followed without a reload.
-- The root manifest is looked at when somebody asks, and not more often than every so many milliseconds. A new
-- generation is opened beside the old one, which answers until the new one is ready.

local generation = require "mitame.generation"
local sealed = require "mitame.sealed"
local system = require "mitame.system"

local ROOT_BYTES, FORMAT, MOST = 4096, 2, 999999
local RETRY_SECONDS = 1 -- after a generation that can't be opened; it may be gone, and the next one be there

local collection = {}
collection.__index = collection

-- folder: of the collection; lens: name, nil for the first; seconds: between two looks.
function collection.followed(folder, lens, seconds)
    return setmetatable({
        folder = folder, lens = lens, seconds = seconds, looked = -1, root = nil, problem = "it is being opened",
    }, collection)
end

local function number_of(content, path)
    local root, problem = sealed.opened(content, path)
    local format, number
    if root then
        format, problem = sealed.whole(root, "format", 1, FORMAT, path)
    end
    if format then
        number, problem = sealed.whole(root, "generation", 0, MOST, path)
    end
    return number, problem
end

local function retire(self, problem)
    if self.served then
        self.served:close()
    end
    self.served, self.problem = nil, problem
end

-- Open what a root manifest's content names, and serve it.
local function switch(self, content)
    local number, problem = number_of(content, self.folder .. "/manifest.json")
    local opened
    if number == 0 then
        problem = self.folder .. " was never merged"
    elseif number then
        opened, problem = generation.opened(self.folder, number, self.lens, function() ngx.sleep(0.001) end)
    end
    retire(self, problem)
    self.served, self.root = opened, content
    if not opened then
        self.again = ngx.now() + RETRY_SECONDS
        ngx.log(ngx.WARN, "mitame: ", self.folder, ": ", problem)
    end
end

local function look(self)
    local content, problem = system.content(self.folder .. "/manifest.json", ROOT_BYTES)
    if not content then
        retire(self, problem)
        self.root = nil
    elseif content ~= self.root or (not self.served and ngx.now() >= self.again) then
        self.opening = true
        local started = ngx.timer.at(0, function(premature)
            if not premature then
                local fine, failure = pcall(switch, self, content)
                if not fine then
                    retire(self, tostring(failure))
                    self.root, self.again = content, ngx.now() + RETRY_SECONDS
                    ngx.log(ngx.ERR, "mitame: ", self.folder, ": ", failure)
                end
            end
            self.opening = false
        end)
        self.opening = started and true or false
    end
end

-- The generation to ask right now; nil and why there is none. It must not be kept over a wait.
function collection:current()
    local now = ngx.now()
    if not self.opening and now - self.looked >= self.seconds then
        self.looked = now
        look(self)
    end
    return self.served, self.problem
end

return collection

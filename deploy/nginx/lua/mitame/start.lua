-- What a worker does before the first question.

local collections = require "mitame.collections"
local settings = require "mitame.settings"

local start = {}

-- Open the usual collection, beside everything else that the worker does.
function start.open()
    ngx.timer.at(0, function(premature)
        local usual = not premature and collections.get(settings.collection)
        if usual then
            usual:current()
        end
    end)
end

return start

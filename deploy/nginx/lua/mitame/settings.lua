-- How the answers from inside nginx are set up, by `init_by_lua_block`.

local settings = {
    data = "/var/lib/mitame", -- the data directory
    collection = "default", -- that is asked where category_id names none
    lens = nil, -- name of the lens; the first one where nil
    look_ms = 100, -- between two looks whether there is a new generation
    upstream = nil, -- a named location, like "@mitame", for what can't be answered here; 503 where nil
    most_collections = 100, -- that are held open
}

-- Take over some of the settings above. Any other name is an error, so that a slip is seen at the start.
function settings.set(given)
    for name, value in pairs(given) do
        if type(settings[name]) == "function" or (settings[name] == nil and name ~= "lens" and name ~= "upstream") then
            error("mitame has no setting '" .. tostring(name) .. "'")
        end
        settings[name] = value
    end
end

return settings

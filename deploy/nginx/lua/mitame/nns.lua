-- GET /nns?category_id=&product_id=&limit= in mruby_annoy's form: the ids of the nearest items as a JSON array.

local collections = require "mitame.collections"
local settings = require "mitame.settings"

local LIMIT, MOST = 10, 10000
local NOT_FOUND, WRONG_LIMIT = '{"error":"not_found"}', '{"error":"invalid_limit"}'
local UNAVAILABLE = '{"error":"unavailable"}'
local ZERO = 48
local byte, find = string.byte, string.find -- find only ever plainly: patterns are not compiled
local nns = {}

-- The content type is the location's default_type.
local function reply(status, body)
    if status ~= 200 then
        ngx.status = status
    end
    ngx.header["Content-Length"] = #body
    ngx.print(body)
end

-- What can't be said from here at all.
local function unavailable(reason)
    ngx.header.retry_after = "1"
    ngx.log(ngx.INFO, "mitame: ", reason)
    reply(503, UNAVAILABLE)
end

-- An argument of the request, decoded; nil where it is missing or empty.
local function argument(value)
    if not value or value == "" then
        return nil
    end
    return (find(value, "%", 1, true) or find(value, "+", 1, true)) and ngx.unescape_uri(value) or value
end

local function limit_of(value)
    if value == nil then
        return LIMIT
    end
    local number = 0
    for place = 1, #value do
        local digit = byte(value, place) - ZERO
        if digit < 0 or digit > 9 or number > MOST then
            return nil
        end
        number = 10 * number + digit
    end
    return number >= 1 and number <= MOST and number or nil
end

-- The served generation that a category's items are in, and the category to filter by; nil and why not.
-- A category is a collection's name, or else a category in the usual collection.
local function asked(category)
    local own = category and collections.get(category)
    if own then
        local served, problem = own:current()
        if served or own.root or own.opening then
            return served, nil, problem
        end
        collections.forget(category)
    end
    local usual = collections.get(settings.collection)
    if not usual then
        return nil, nil, settings.collection .. " was never merged"
    end
    local served, problem = usual:current()
    return served, category, problem
end

-- alone: there is nobody else to ask.
local function answer(alone)
    local product, limit = argument(ngx.var.arg_product_id), limit_of(argument(ngx.var.arg_limit))
    if not limit then
        return reply(422, WRONG_LIMIT)
    end
    if not product then
        return reply(404, NOT_FOUND)
    end
    local served, category, problem = asked(argument(ngx.var.arg_category_id))
    local found, rest
    if served then
        found, rest = served:nearest(product, limit, category)
    end
    -- What came after the last merge, and what the table is too short for, only the upstream knows.
    if not alone and (not found or rest == false) then
        return ngx.exec(settings.upstream)
    end
    if rest == "unknown" then
        return reply(404, NOT_FOUND)
    end
    if not found then
        return unavailable(problem or "the parts are damaged, or have no categories")
    end
    reply(200, found)
end

-- Answer the request, or have the upstream do it where there is one: the content of a location.
function nns.answer()
    local method = ngx.var.request_method
    if method ~= "GET" and method ~= "HEAD" then
        ngx.header.allow = "GET, HEAD"
        return reply(405, '{"error":"method_not_allowed"}')
    end
    return answer(settings.upstream == nil)
end

-- Answer the request as far as it can be done without the upstream, which did not answer.
function nns.answer_alone()
    return answer(true)
end

return nns

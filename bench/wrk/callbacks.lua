-- Posts each line of a file (path, tab, body) once, from the line that it is told to begin with.
local here = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(here .. "latencies.lua")

local lines = {}
local headers = {
   ["Connection"] = "close",
   ["Content-Type"] = "application/x-www-form-urlencoded",
   ["Origin"] = "https://sistemas.sence.cl",
   ["X-Forwarded-Proto"] = "https",
}
local next_line = 0

function init(arguments)
   for line in io.lines(arguments[1]) do lines[#lines + 1] = line end
   next_line = tonumber(arguments[2])
end

function request()
   next_line = next_line + 1
   local path, body = lines[next_line]:match("^(.-)\t(.*)$")
   return wrk.format("POST", path, headers, body)
end

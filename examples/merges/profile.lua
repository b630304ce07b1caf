-- A profile: the latest name, every address once, the greatest number of visits.
local function merge(siblings)
  local profile, known = object(), {}
  for _, sibling in ipairs(siblings) do
    for field, value in pairs(sibling.value) do
      local have = profile[field]
      if field == "visits" then
        profile[field] = math.max(have or value, value)
      elseif field == "addresses" then
        profile[field] = have or array()
        for _, address in ipairs(value) do
          if not known[address] then table.insert(profile[field], address) end
          known[address] = true
        end
      else
        profile[field] = value
      end
    end
  end
  if profile.addresses then table.sort(profile.addresses) end
  return profile
end

return { values = "json", merge = merge }

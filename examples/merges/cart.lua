-- A shopping cart, {"milk": 2, "eggs": 1}: what each side put in counts, and what one side took
-- out is out unless another changed how many.
local function merge(siblings, base)
  local cart, was = object(), base or {}
  for _, sibling in ipairs(siblings) do
    for item, count in pairs(sibling.value) do
      if count ~= was[item] then cart[item] = math.max(cart[item] or count, count) end
    end
  end
  -- What nobody changed stays where nobody took it out.
  for item, count in pairs(was) do
    local kept = cart[item] == nil
    for _, sibling in ipairs(siblings) do kept = kept and sibling.value[item] ~= nil end
    if kept then cart[item] = count end
  end
  return cart
end

return { values = "json", three_way = true, merge = merge }

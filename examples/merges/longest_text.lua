-- The longest text; of equally long ones the latest.
return function(siblings)
  local best = siblings[1].value
  for _, sibling in ipairs(siblings) do
    if #sibling.value >= #best then best = sibling.value end
  end
  return best
end

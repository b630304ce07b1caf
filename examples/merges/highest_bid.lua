-- The highest bid; of equal ones the earliest.
return {
  values = "json",
  merge = function(siblings)
    local best = siblings[1].value
    for _, sibling in ipairs(siblings) do
      if sibling.value.amount > best.amount then best = sibling.value end
    end
    return best
  end,
}

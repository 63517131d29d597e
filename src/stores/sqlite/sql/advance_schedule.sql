-- Slots have been dealt with.
-- 1 queue, 2 name, 3 last_slot or null, 4 next_slot, 5 skipped, 6 version. By the primary key.
-- The last slot never falls: max() of a null is null, which stands for "none so far".
update errand_schedules
set last_slot = coalesce(max(last_slot, ?3), last_slot, ?3), next_slot = ?4, skipped = skipped + ?5, version = ?6
where queue = ?1 and name = ?2;

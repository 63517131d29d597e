-- A run of a schedule was added; it need not be there. 1 queue, 2 name, 3 last_run, 4 slot or null. By the primary key.
update errand_schedules
set last_run = ?3, runs = runs + 1, last_slot = coalesce(max(last_slot, ?4), last_slot, ?4)
where queue = ?1 and name = ?2;

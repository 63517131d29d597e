-- The run of a slot. 1 queue, 2 schedule, 3 slot. Columns: id. Index: errand_ties_slots.
select id from errand_ties
where queue = ?1 and schedule = ?2 and slot = ?3 and slot is not null and schedule is not null;

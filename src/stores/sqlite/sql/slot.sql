-- What has become of a slot: the id of its run, if that is there; or 0, if it has been dealt with; or null.
-- 1 queue, 2 schedule, 3 slot. Columns: id. Indexes: errand_ties_slots, then the primary key of errand_schedules.
select coalesce(
  (select id from errand_ties
   where queue = ?1 and schedule = ?2 and slot = ?3 and slot is not null and schedule is not null),
  (select 0 from errand_schedules where queue = ?1 and name = ?2 and last_slot >= ?3));

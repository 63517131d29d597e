-- Waiting tasks of one queue and priority, behind a key, as they come; also those whose time has not come, since the
-- first of them says when it is worth asking again.
-- 1 queue, 2 priority, 3 run_at and 4 id of the key
-- Columns: errand_tasks.*. A range of errand_waiting, in its own order.
select task.* from errand_waiting as place cross join errand_tasks as task
where place.queue = ?1 and place.priority = ?2 and (place.run_at, place.id) > (?3, ?4)
  and task.id = place.id and task.finished_at is null and task.aside is null
order by place.run_at, place.id;

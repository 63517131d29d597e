-- Waiting tasks of one queue and priority, behind a key, as they come; also those whose time has not come, since the
-- first of them says when it is worth asking again.
-- 1 queue, 2 priority, 3 run_at and 4 id of the key
-- Columns: tasks.*. Index: tasks_waiting, a range of it in its own order.
select * from tasks
where queue = ?1 and priority = ?2 and finished_at is null and aside is null
  and (run_at, id) > (?3, ?4)
order by run_at, id;

-- Tasks that match, by id, behind one. An unset parameter asks for nothing.
-- 1 id, 2 queue, 3 kind, 4 name, 5 priority, 6 tag, 7 a JSON array of states, 8 schedule, 9 the last id
-- Columns: errand_tasks.*. By the primary key; the caller stops when it has enough. Tags that are no JSON are none: they
-- are damaged, and would be the end of the statement.
select * from errand_tasks
where id > ?1 and id <= ?9
  and (?2 is null or queue = ?2)
  and (?3 is null or kind = ?3)
  and (?4 is null or name = ?4)
  and (?5 is null or priority = ?5)
  and (?6 is null or exists (
    select 1 from json_each(case when json_valid(errand_tasks.tags) then errand_tasks.tags end) where value = ?6))
  and (?7 is null or state in (select value from json_each(?7)))
  and (?8 is null or schedule = ?8)
order by id;

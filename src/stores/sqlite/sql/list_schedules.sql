-- 1 queue; null: all. Columns: schedules.*. In the order of the primary key's index: there are few of them.
select * from errand_schedules where ?1 is null or queue = ?1 order by queue, name;

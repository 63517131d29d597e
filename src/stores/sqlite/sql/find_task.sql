-- 1 id. Columns: tasks.*
select * from tasks where id = ?1;

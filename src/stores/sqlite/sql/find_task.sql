-- 1 id. Columns: errand_tasks.*
select * from errand_tasks where id = ?1;

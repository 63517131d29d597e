-- 1 name. Columns: value
select value from meta where name = ?1;

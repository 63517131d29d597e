-- 1 a JSON array or object of strings. Columns: key, value
select key, value from json_each(?1);

-- 1 a task's history. Columns: number, started_at, took_ns, code, error
select value ->> 'number', value ->> 'started_at', value ->> 'took_ns', value ->> 'code', value ->> 'error'
from json_each(?1);

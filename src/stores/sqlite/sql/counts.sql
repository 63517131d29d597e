-- How many tasks there are, from one id on to another. 1 now, 2 the id before the first, 3 the last one. Columns: queue,
-- state as of now, aside, count
select queue,
  case when state in ('scheduled', 'retryable') and run_at <= ?1 then 'available' else state end,
  aside, count(*)
from errand_tasks where id > ?2 and id <= ?3 group by 1, 2, 3;

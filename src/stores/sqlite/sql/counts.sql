-- How many tasks there are. 1 now. Columns: queue, state as of now, aside, count
select queue,
  case when state in ('scheduled', 'retryable') and run_at <= ?1 then 'available' else state end,
  aside, count(*)
from errand_tasks group by 1, 2, 3;

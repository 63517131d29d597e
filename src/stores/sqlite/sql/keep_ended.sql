-- 1 id, 2 prune_at: how long a task that has ended is kept
update errand_ended set prune_at = ?2 where id = ?1;

-- It waits no more, or elsewhere. 1 queue, 2 priority, 3 run_at, 4 id
delete from errand_waiting where queue = ?1 and priority = ?2 and run_at = ?3 and id = ?4;

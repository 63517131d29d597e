-- A task waits; one that is in its line already stays there. 1 queue, 2 priority, 3 run_at, 4 id
insert or ignore into errand_waiting (queue, priority, run_at, id) values (?1, ?2, ?3, ?4);

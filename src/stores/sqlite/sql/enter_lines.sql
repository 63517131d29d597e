-- Tasks wait; one that is in its line already stays there. 1 queue, 2 priority, 3 run_at, 4 id
insert or ignore into errand_waiting (queue, priority, run_at, id) select c1, c2, c3, c4 from errand_given;

set(PROCPOOL_CORE_SOURCES
    core/inbox.cpp
    core/pool.cpp
    core/pool_blame.cpp
    core/pool_turn.cpp
    core/pool_watch.cpp
    core/pool_workers.cpp
    core/worker.cpp)

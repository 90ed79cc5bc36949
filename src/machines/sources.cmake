set(PROCPOOL_MACHINES_SOURCES
    machines/scheduler.cpp
    machines/staffing.cpp
    machines/worker_life.cpp)

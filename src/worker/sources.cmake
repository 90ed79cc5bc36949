set(PROCPOOL_WORKER_SOURCES
    worker/init.cpp
    worker/serve.cpp
    worker/worker_mode.cpp)

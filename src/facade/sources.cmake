set(PROCPOOL_FACADE_SOURCES
    facade/batch.cpp
    facade/error.cpp
    facade/own_thread.cpp
    facade/post_mortem.cpp
    facade/process_pool.cpp
    facade/waiting.cpp)

set(PROCPOOL_WIRE_SOURCES
    wire/frame_reader.cpp
    wire/handshake.cpp
    wire/payload.cpp)

/* Tests of src/wire: the HTTP server with honest and hostile clients, the client, SSE, TLS, SSH. */
#include "wire_test.h"

int main(void)
{
    int failed = 0;
    failed += wire_path_tests();
    failed += wire_sse_reader_tests();
    failed += wire_server_tests();
    failed += wire_hostile_tests();
    failed += wire_stream_tests();
    failed += wire_client_tests();
    failed += wire_tls_tests();
    failed += wire_ssh_tests();
    return failed;
}

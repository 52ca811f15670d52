"""The refusals and the launches that must succeed, in the shape of 1EdTech's certification list.

Every refusal is met by somebody who learns in the course and by somebody who teaches it, as a page
and as JSON (`cases.refused_twice`): status, code, one sentence, what to do next, request id, way
back; no row is written, nothing that came in is repeated, no cookie is given. No test accepts 500.
`test_every_refusal` shows that no code and no reason of `lti_tool.lti.errors` is left out.

Where to look
    Logins                                      test_login
    State, cookie, nonce, outer form            test_launch
    Header, signature, parties, times, keys     test_token
    Key sets; deployments                       test_keys_and_deployments
    Claims; launches that must succeed          test_claims
    Sessions of other courses and platforms     test_sessions
    Script in names and titles                  test_escaping
    Replays at several server processes         test_server_processes
    Random input                                test_fuzz
    Roles, word by word                         ../test_roles
    Windows, tickets, addresses by hand         ../test_sessions_and_windows
    Platform storage instead of the cookie      ../test_storage
    Deep linking, submission review, privacy    ../messages/test_refusals
    Dynamic Registration and its addresses      ../registering/test_refusals
    Deployments that wait, and how many may     ../registering/test_waiting
    Tokens, grades, rosters, what is retried    ../services

A return address on another site is not refused but never linked: an LMS may have several names of
its own (Canvas: the issuer is not the school's address). One that no page may link is a 400.
"""

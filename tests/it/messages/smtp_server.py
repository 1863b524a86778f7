"""A mail server for tests: aiosmtpd, with mailboxes that refuse. Prints its port, keeps every mail as a file in the
folder given, and ends when its standard input does.

    smtp_server.py FOLDER [CERTIFICATE KEY]      with a certificate: STARTTLS and a log-in are required
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

REFUSALS = {
    "unknown": "550 5.1.1 <{0}>: no such user here",
    "full": "552 5.2.2 <{0}>: mailbox full",
    "policy": "550 5.7.1 <{0}>: not from you",
    "later": "451 4.3.0 <{0}>: try again later",
}


class Keeper:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        refusal = REFUSALS.get(address.split("@")[0])
        # The name of a file in the folder turns a mailbox that refuses into one that takes mail again.
        if refusal and not (self.folder / address.split("@")[0]).exists():
            return refusal.format(address)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        head = f"X-From: {envelope.mail_from}\r\nX-To: {', '.join(envelope.rcpt_tos)}\r\nX-Tls: {session.ssl is not None}\r\n"
        part = self.folder / f".{self.count:04}"
        part.write_bytes(head.encode() + envelope.content)
        part.rename(self.folder / f"{self.count:04}.eml")
        return "250 2.0.0 kept"


def log_in(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"ledgerline" and data.password == b"p@ss")


async def main(folder, *tls):
    keeper = Keeper(folder)
    options = {}
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        options = dict(tls_context=context, require_starttls=True, authenticator=log_in, auth_required=True)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keeper, hostname="mail.test", loop=loop, **options), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


asyncio.run(main(*sys.argv[1:]))

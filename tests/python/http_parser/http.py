"""The part of `http_parser.http.HttpParser` that pymesos uses, on top of the standard library."""


class HttpParser:
    def __init__(self):
        self._raw = b""
        self._head = None
        self._body = b""
        self._complete = False

    def execute(self, data, length):
        self._raw += data[:length]
        if self._head is None:
            head, end, rest = self._raw.partition(b"\r\n\r\n")
            if not end:
                return length
            self._head = head.decode("latin1").split("\r\n")
            self._raw = rest
        self._dechunk() if self.is_chunked() else self._plain()
        return length

    def _plain(self):
        self._body += self._raw
        self._raw = b""
        self._complete = len(self._body) >= int(self.get_headers().get("Content-Length", 0))

    def _dechunk(self):
        while not self._complete:
            line, end, rest = self._raw.partition(b"\r\n")
            if not end:
                return
            size = int(line, 16)
            if len(rest) < size + 2:
                return
            self._body += rest[:size]
            self._raw = rest[size + 2 :]
            self._complete = size == 0

    def is_headers_complete(self):
        return self._head is not None

    def get_status_code(self):
        return int(self._head[0].split(" ")[1])

    def get_headers(self):
        return dict(line.split(": ", 1) for line in self._head[1:])

    def is_chunked(self):
        return self.get_headers().get("Transfer-Encoding") == "chunked"

    def is_partial_body(self):
        return bool(self._body)

    def recv_body(self):
        body, self._body = self._body, b""
        return body

    def is_message_complete(self):
        return self._complete

    def get_errno(self):
        return 0

"""Runs a command against a server on loopback that answers as current families of models do.

`python answers_server.py HABIT COMMAND …` puts the server's address in place of `SERVER` and exits with the command's code.
"""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HABIT, COMMAND = sys.argv[1], sys.argv[2:]
REFUSED = {
    "completion-tokens": "max_tokens",
    "no-temperature": "temperature",
    "no-logprobs": "logprobs",
    "no-seed": "seed",
}


class Habits(BaseHTTPRequestHandler):
    """Grants a loan where income is above 50, in the way of HABIT."""

    protocol_version = "HTTP/1.1"
    busy = 3
    """So many requests are refused before one is answered."""

    def log_message(self, *_):
        """Says nothing."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        income = float(body["messages"][-1]["content"].split("income ")[1].split()[0])
        answer = "Yes" if income > 50 else "No"
        if REFUSED.get(HABIT) in body:
            message = f"Unsupported parameter: '{REFUSED[HABIT]}' is not supported with this model."
            return self.reply(400, {"error": {"message": message, "param": REFUSED[HABIT]}})
        if HABIT == "busy" and Habits.busy > 0:
            Habits.busy -= 1
            return self.reply(529, {"error": {"type": "overloaded_error"}}, {"Retry-After": "0"})
        if HABIT == "error-in-200":
            return self.reply(200, {"error": {"message": "Provider returned error: context too long"}})
        if HABIT == "parts":
            return self.say([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": answer}])
        if HABIT == "thinks":
            return self.say(f"<think>\nNo. The income is {income}. Yes?\n</think>\n\n{answer}")
        if HABIT == "truncated":
            return self.say("", "length", {"reasoning_content": "Let me look at the income of"})
        return self.say(answer)

    def say(self, content, finish="stop", more=()):
        message = {"role": "assistant", "content": content, **dict(more)}
        choice = {"index": 0, "finish_reason": finish, "message": message}
        usage = {"prompt_tokens": 9, "completion_tokens": 2}
        self.reply(200, {"object": "chat.completion", "choices": [choice], "usage": usage})

    def reply(self, status, content, headers=()):
        raw = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": len(raw), **dict(headers)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(raw)


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Habits) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/v1#m"
        code = subprocess.run([address if word == "SERVER" else word for word in COMMAND], check=False).returncode
        server.shutdown()
    sys.exit(code)

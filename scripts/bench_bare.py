"""What the relay is measured against: an endpoint that parses the same body, and does nothing."""

import sys

import uvicorn
from fastapi import FastAPI

from gridroam.relay.schemas import MessagesIn

app = FastAPI()


@app.post("/v1/messages", status_code=202)
async def send(body: MessagesIn) -> dict[str, int]:
    return {"messages": len(body.messages)}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error")

"""Why somebody is not let in; each with a code that pages turn into words.

AccessError
├── SignInError       a proof of who somebody is that does not hold
├── NotSignedInError  nobody is signed in
├── ForbiddenError    somebody is, and may not
└── ForgedFormError   a form that our own page did not send
"""

from gridroam.errors import GridroamError


class AccessError(GridroamError):
    code = "access"
    status = 403


class SignInError(AccessError):
    """`code` says which check failed."""

    status = 400

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotSignedInError(AccessError):
    code = "not-signed-in"
    status = 401


class ForbiddenError(AccessError):
    code = "forbidden"
    status = 403


class ForgedFormError(AccessError):
    code = "forged-form"
    status = 403

"""What people type to come in. Labels and errors in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotation.models import User
from annotation.people import normalise_username
from annotation.people.usernames import MAX_LENGTH, check_username

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

# Long enough for any sentence, short enough that hashing it is no work for an attacker to order.
MAX_PASSWORD_LENGTH = 256

ADVICE = _("A few words that only you would put together are good.")


def password_field(label: _StrOrPromise, *, new: bool, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=MAX_PASSWORD_LENGTH,
        help_text=help_text,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "new-password" if new else "current-password"}
        ),
        error_messages={"required": _("Enter a password.")},
    )


class PlainForm(forms.Form):
    """Labels without a colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)


class SignInForm(PlainForm):
    """Name and password. Every failure has the same message, whether the name exists or not."""

    username = forms.CharField(
        label=_("Name"),
        max_length=MAX_LENGTH,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": _("Enter the name you chose, or your e-mail address.")},
    )
    password = password_field(_("Password"), new=False)

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    def clean_username(self) -> str:
        return normalise_username(self.cleaned_data["username"])

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        password = self.cleaned_data.get("password")
        if username and password:
            user = authenticate(self.request, username=username, password=password)
            if not isinstance(user, User):
                raise ValidationError(
                    gettext(
                        "The name or the password is wrong. Capital letters matter in the password."
                    )
                )
            self.user = user
        return self.cleaned_data


class NewPasswordForm(PlainForm):
    """A new password, twice. The rules themselves are checked where it is set."""

    password = password_field(_("Password"), new=True)
    repeated = password_field(_("The same password again"), new=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = f"{password_validators_help_texts()[0]} {ADVICE}"
        self.fields["repeated"].error_messages["required"] = _("Enter the password again.")

    def clean(self) -> dict[str, Any]:
        password = self.cleaned_data.get("password")
        repeated = self.cleaned_data.get("repeated")
        if password and repeated and password != repeated:
            self.add_error("repeated", gettext("The two passwords differ. Enter both again."))
        return self.cleaned_data


class JoinForm(NewPasswordForm):
    """A new account for an invited person."""

    username = forms.CharField(
        label=_("Name to sign in with"),
        max_length=MAX_LENGTH,
        help_text=_("Your e-mail address, or any name you will remember."),
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": _("Choose a name to sign in with.")},
    )
    field_order = ("username", "password", "repeated")

    def clean_username(self) -> str:
        return check_username(self.cleaned_data["username"])


class ChangePasswordForm(NewPasswordForm):
    """A new password for the one who is signed in, who knows the present one."""

    present = password_field(_("Your present password"), new=False)
    field_order = ("present", "password", "repeated")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["password"].label = _("New password")
        self.fields["repeated"].label = _("The new password again")

    def clean_present(self) -> str:
        present: str = self.cleaned_data["present"]
        if not self.user.check_password(present):
            raise ValidationError(gettext("This is not your present password."))
        return present

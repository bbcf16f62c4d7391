"""What the law on personal data asks (Ley 19.628 as Ley 21.719 leaves it): docs/privacy.md.

A person's data are shown (`person`), taken away but for the evidence of their attendance
(`anonymise`), and not kept for longer than they are needed (`retention`); who looks at them is
written (`access`).
"""
